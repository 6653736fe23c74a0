"""A small policy whose production is delivered by image automation and rolled out by a canary, in cluster `two`."""

import json

from rule_worlds import APPLICATION, IMAGE, PROJECT

from config.policy import EnvironmentPolicy, Policy


def rollout_policy(canary: str = "shop/web") -> Policy:
    """dev follows the build in cluster `one`; production has tags of its own."""
    application = {
        "project": PROJECT,
        "images": [IMAGE],
        "kustomization": "flux-system/demo-service-{environment}",
        "position": {
            "kind": "kustomize_images",
            "file": "apps/{environment}/kustomization.yaml",
            "image": "demo-service",
        },
        "environments": {"production": {"canary": canary}},
    }
    production = {"cluster": "two", "after": ["dev"], "delivery": "image_automation", "tag": "{version}-prod"}
    document = {
        "version": 1,
        "mode": "act",
        "environments": {"dev": {"cluster": "one", "delivery": "observe"}, "production": production},
        "applications": {APPLICATION: application},
    }
    return Policy.parse(json.dumps(document))


def production_of(policy: Policy) -> EnvironmentPolicy:
    """The environment with the canary."""
    return policy.environment(APPLICATION, "production")
