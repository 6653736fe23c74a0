"""What the bot saw, decided and did, kept so that a crash loses nothing and every decision can be replayed."""

from bot.journal.engine import Receipt as Receipt
from bot.journal.inbox import delivery_id as delivery_id
from bot.journal.journal import Journal as Journal
from bot.journal.work import Claim as Claim
