"""Formulas and the validation rules that are written in them."""
