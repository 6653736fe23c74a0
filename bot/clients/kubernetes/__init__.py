"""Clusters are observed: objects read, listed and watched as they are, and summarised by pure functions."""

from bot.clients.kubernetes.cluster import Cluster as Cluster
from bot.clients.kubernetes.kinds import Kind as Kind
from bot.clients.kubernetes.objects import FluxObject as FluxObject
from bot.clients.kubernetes.objects import summarise as summarise
from bot.clients.kubernetes.watching import Change as Change
