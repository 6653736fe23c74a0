"""Clusters are observed: objects read, listed and watched as they are, and summarised by pure functions."""

from bot.clients.kubernetes.automations import Automation as Automation
from bot.clients.kubernetes.automations import summarise_automation as summarise_automation
from bot.clients.kubernetes.canaries import CanaryObject as CanaryObject
from bot.clients.kubernetes.canaries import summarise_canary as summarise_canary
from bot.clients.kubernetes.cluster import Cluster as Cluster
from bot.clients.kubernetes.connection import NotServed as NotServed
from bot.clients.kubernetes.deployments import DeploymentObject as DeploymentObject
from bot.clients.kubernetes.deployments import summarise_deployment as summarise_deployment
from bot.clients.kubernetes.kinds import Kind as Kind
from bot.clients.kubernetes.objects import FluxObject as FluxObject
from bot.clients.kubernetes.objects import SelectedImage as SelectedImage
from bot.clients.kubernetes.objects import summarise as summarise
from bot.clients.kubernetes.telling import Told as Told
from bot.clients.kubernetes.telling import about as about
from bot.clients.kubernetes.telling import summarise_events as summarise_events
from bot.clients.kubernetes.watching import Change as Change
