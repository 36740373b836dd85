"""The torch modules: embeddings, encoders, aggregations, attention, sets, slices, heads, and the network of them."""
