"""What a batch of transfers does to the wallets it touches, decided without I/O."""
