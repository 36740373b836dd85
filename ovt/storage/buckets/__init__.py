"""Where published models lie: objects by name, on S3 or in a plain folder."""
