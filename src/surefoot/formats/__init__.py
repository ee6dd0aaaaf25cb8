"""How others write traces and labels: lossless readers and writers, one small file a format."""
