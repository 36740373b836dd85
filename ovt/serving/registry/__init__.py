"""Bundles where production finds them, without Git and without DVC.

    objects/ab/cdef…        a file of some bundle, by the SHA-256 of its content
    bundles/DIGEST.json     a bundle: its files and their hashes; its name is the SHA-256 of itself; written last
    aliases/NAME.json       which bundle an alias means, and the number of the promotion that said so

What is half published is never visible: nothing names an object before its
bundle's manifest is there, and no alias moves before that. Nothing is ever
overwritten but an alias, and that only by a promotion with a higher number.
"""
