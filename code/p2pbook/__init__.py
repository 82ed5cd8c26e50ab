"""This book's evidence: what the chapters call. The method is in p2prisk."""
