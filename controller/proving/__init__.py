"""What the meters prove and what it earns: verification, settlement, corrections and disputes."""
