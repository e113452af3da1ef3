"""The org's page: what it holds and what was asked of it, for people, as HTML from the server."""

from destination_testbench.org.page.page import Page, is_for_people

__all__ = ["Page", "is_for_people"]
