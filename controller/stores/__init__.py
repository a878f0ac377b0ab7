"""Where the journal, the samples and the ledger are kept, behind one port."""
