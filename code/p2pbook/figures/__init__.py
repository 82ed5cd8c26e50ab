"""The pictures of this book."""
