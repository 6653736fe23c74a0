# For the files of flux/README.md, "Secrets". terraform output -json NAME, then sops encrypt; never into a file in clear.

output "sluice_secret" {
  description = "Keys of apps/bot/production/secret.sops.yaml that GitLab gives."
  value       = module.gitlab.sluice_secret
  sensitive   = true
}

output "gitlab_receiver" {
  description = "By cluster: token of clusters/CLUSTER/secrets/gitlab-receiver.sops.yaml."
  value       = module.gitlab.receiver_tokens
  sensitive   = true
}

output "registry_auth" {
  description = "By cluster: .dockerconfigjson of clusters/CLUSTER/secrets/registry-auth.sops.yaml."
  value       = module.gitlab.registry_auth
  sensitive   = true
}

output "agent_tokens" {
  description = "By cluster: token of GitLab's agent for Kubernetes, for the Secret that .gitlab/agents/CLUSTER/values.yaml names."
  value       = module.gitlab.agent_tokens
  sensitive   = true
}
