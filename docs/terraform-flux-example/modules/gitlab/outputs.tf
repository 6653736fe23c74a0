output "config_url" {
  description = "Where Flux fetches the config repository."
  value       = gitlab_project.config.http_url_to_repo
}

output "flux_tokens" {
  description = "By cluster: what Flux fetches and pushes with."
  value       = { for name, token in gitlab_project_access_token.flux : name => token.token }
  sensitive   = true
}

output "sluice_secret" {
  description = "Keys of Sluice's own Secret."
  value = {
    "gitlab-token"         = gitlab_group_service_account_access_token.sluice.token
    "gitlab-signing-token" = local.signing_token
    "registry-password"    = gitlab_group_service_account_access_token.registry.token
  }
  sensitive = true
}

output "receiver_tokens" {
  description = "By cluster: secret token of GitLab's webhook to Flux."
  value       = { for name, password in random_password.receiver : name => password.result }
  sensitive   = true
}

output "registry_auth" {
  description = "By cluster: what ImageRepositories read the registry with."
  value = {
    for name, token in gitlab_group_deploy_token.registry : name => jsonencode({
      auths = {
        (var.registry) = {
          username = token.username
          password = token.token
        }
      }
    })
  }
  sensitive = true
}

output "agent_tokens" {
  description = "By cluster: token of GitLab's agent for Kubernetes."
  value       = { for name, token in gitlab_cluster_agent_token.this : name => token.token }
  sensitive   = true
}
