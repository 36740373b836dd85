"""How the sample data of this project is made: questions over a small knowledge base, and sources that label them."""
