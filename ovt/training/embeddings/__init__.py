"""Where word vectors come from, without torch: characters, pieces of words, files of vectors, pretrained folders."""
