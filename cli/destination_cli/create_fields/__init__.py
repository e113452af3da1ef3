"""`destination create-fields`: everything that an org needs for one destination file, made by an administrator."""
