"""What becomes of a listing of files of events while others write, merge and remove them."""


class FilesGoneError(Exception):
    """A file that was listed is gone: others merge files, close them, or remove old ones."""
