"""OCI registries are read: tags, index digests, and the labels that say which commit an image was built from."""

from bot.clients.registry.access import Credentials as Credentials
from bot.clients.registry.client import RegistryClient as RegistryClient
from bot.clients.registry.transport import RegistryTransport as RegistryTransport
