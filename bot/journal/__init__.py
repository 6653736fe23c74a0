"""What the bot saw, decided and did, kept so that a crash loses nothing and every decision can be replayed."""
