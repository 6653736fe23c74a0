"""What Sluice knows, why it decides as it does, and what it can be asked to do, over HTTP for those with a token."""

from bot.api.app import create_api as create_api
