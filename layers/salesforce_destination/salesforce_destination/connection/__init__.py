"""The use case of the connection check: does the destination file fit the org?"""
