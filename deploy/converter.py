"""What the converters share: reading from a wheel, writing a file whole or not at all. Standard library only."""
import os
import zipfile


def open_member(source, ending):
    """The one file of the zip or folder whose name ends so, open for reading."""
    if os.path.isdir(source):
        names = [os.path.join(folder, name) for folder, _, files in os.walk(source) for name in files]
    else:
        archive = zipfile.ZipFile(source)
        names = archive.namelist()
    found = [name for name in names if name.endswith(ending)]
    if len(found) != 1:
        raise ValueError('%s: %d files named *%s; one was expected' % (source, len(found), ending))
    return open(found[0], 'rb') if os.path.isdir(source) else archive.open(found[0])


def write_atomic(path, blocks):
    temporary = '%s.tmp.%d' % (path, os.getpid())
    try:
        with open(temporary, 'wb') as file:
            for block in blocks:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
