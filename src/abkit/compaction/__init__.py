"""Many small files of stored events become few large ones, beside those who write and read them."""
