"""Proofs of unsatisfiable questions that anyone can check, made from the question's text alone.

To believe a certificate, read what ``checking`` uses: ``expressions``, ``operators``,
``arithmetic``, ``circuit``, ``formula``, ``cnf`` and ``lrat``. What makes certificates,
``certify`` and ``cadical``, need not be believed.
"""
