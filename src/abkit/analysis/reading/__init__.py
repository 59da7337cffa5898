"""What is read: files, frames and tables, and the columns that queries need of them."""
