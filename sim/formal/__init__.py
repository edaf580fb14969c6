"""Proofs about hardware in all states that a reset leads to, by property directed reachability."""
