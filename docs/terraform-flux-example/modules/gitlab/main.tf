# What docs/operator.md asks for under "What the bot needs", and what each cluster's Flux needs.

data "gitlab_group" "this" {
  full_path = var.group
}

# The bot user: Developer in every project of the group, for notes, commit statuses and deployments …
resource "gitlab_group_service_account" "sluice" {
  group    = data.gitlab_group.this.id
  name     = "Sluice"
  username = "sluice"
}

resource "gitlab_group_membership" "sluice" {
  group_id     = data.gitlab_group.this.id
  user_id      = gitlab_group_service_account.sluice.service_account_id
  access_level = "developer"
}

# … and Maintainer in the config project, where it merges, and where a rollback is one commit on the default branch.
resource "gitlab_project_membership" "sluice" {
  project      = gitlab_project.config.id
  user_id      = gitlab_group_service_account.sluice.service_account_id
  access_level = "maintainer"
}

resource "gitlab_group_service_account_access_token" "sluice" {
  group      = data.gitlab_group.this.id
  user_id    = gitlab_group_service_account.sluice.service_account_id
  name       = "sluice"
  scopes     = ["api", "write_repository"]
  expires_at = var.tokens_expire_at
}

# Reads images, and places the environment's tag after the merge.
resource "gitlab_group_service_account_access_token" "registry" {
  group      = data.gitlab_group.this.id
  user_id    = gitlab_group_service_account.sluice.service_account_id
  name       = "sluice-registry"
  scopes     = ["read_registry", "write_registry"]
  expires_at = var.tokens_expire_at
}

# Pipelines must succeed: that is what makes the status sluice/gates block a merge. Issues are for incidents. The
# repository is empty until the first push, which makes main its default branch.
resource "gitlab_project" "config" {
  name                                  = var.config_project
  namespace_id                          = data.gitlab_group.this.id
  visibility_level                      = "private"
  issues_access_level                   = "enabled"
  merge_requests_access_level           = "enabled"
  only_allow_merge_if_pipeline_succeeds = true
  allow_merge_on_skipped_pipeline       = false
  remove_source_branch_after_merge      = true
  archive_on_destroy                    = true
}

# Flux commits as image automation: one token for each cluster, so that one can be revoked without the others.
resource "gitlab_project_access_token" "flux" {
  for_each = var.clusters

  project      = gitlab_project.config.id
  name         = "flux-${each.key}"
  access_level = "maintainer"
  scopes       = ["read_repository", "write_repository"]
  expires_at   = var.tokens_expire_at
}

locals {
  branch = "main"
  # The keys are known before the first apply, as for_each needs it; the ids are not.
  writers = merge(
    { sluice = gitlab_group_service_account.sluice.service_account_id },
    { for name, token in gitlab_project_access_token.flux : "flux-${name}" => token.user_id },
  )
}

# Nobody pushes by force. With a paid edition only Sluice and Flux push at all; people go by merge request.
resource "gitlab_branch_protection" "main" {
  depends_on = [gitlab_project_membership.sluice]

  project            = gitlab_project.config.id
  branch             = local.branch
  allow_force_push   = false
  push_access_level  = var.paid ? null : "maintainer"
  merge_access_level = var.paid ? null : "maintainer"

  dynamic "allowed_to_push" {
    for_each = { for name, id in local.writers : name => id if var.paid }
    content {
      user_id = allowed_to_push.value
    }
  }

  dynamic "allowed_to_merge" {
    for_each = var.paid ? ["maintainer"] : []
    content {
      access_level = allowed_to_merge.value
    }
  }
}

data "gitlab_project" "application" {
  for_each = var.applications

  path_with_namespace = "${var.group}/${each.key}"
}

# GitLab tells Sluice. A signing token is whsec_ and 32 bytes in base64 (GitLab 19).
resource "random_bytes" "signing_token" {
  length = 32
}

locals {
  signing_token = "whsec_${random_bytes.signing_token.base64}"
  governed = merge(
    { config = gitlab_project.config.id },
    { for name, project in data.gitlab_project.application : name => project.id },
  )
}

resource "gitlab_project_hook" "sluice" {
  for_each = local.governed

  project               = each.value
  name                  = "Sluice"
  url                   = "${var.sluice_url}/hooks/gitlab"
  signing_token         = local.signing_token
  push_events           = true
  tag_push_events       = true
  merge_requests_events = true
  pipeline_events       = true
  note_events           = true # commands in notes
}

# GitLab tells Flux. The path is that of the Receiver gitlab in flux-system: SHA-256 of token, name and namespace.
resource "random_password" "receiver" {
  for_each = var.clusters

  length  = 40
  special = false
}

resource "gitlab_project_hook" "flux" {
  for_each = { for name, domain in var.clusters : name => domain if domain != null }

  project                   = gitlab_project.config.id
  name                      = "Flux in ${each.key}"
  url                       = "https://flux-webhook.${each.value}/hook/${sha256("${random_password.receiver[each.key].result}gitlabflux-system")}"
  token                     = random_password.receiver[each.key].result
  push_events               = true
  push_events_branch_filter = local.branch
  tag_push_events           = true
}

# What the clusters pull and scan images with.
resource "gitlab_group_deploy_token" "registry" {
  for_each = var.clusters

  group      = data.gitlab_group.this.id
  name       = "registry-${each.key}"
  scopes     = ["read_registry"]
  expires_at = var.tokens_expire_at
}

# GitLab's agent for Kubernetes; its configuration is .gitlab/agents/CLUSTER/config.yaml in this project.
resource "gitlab_cluster_agent" "this" {
  for_each = var.clusters

  project = gitlab_project.config.id
  name    = each.key
}

resource "gitlab_cluster_agent_token" "this" {
  for_each = gitlab_cluster_agent.this

  project  = gitlab_project.config.id
  agent_id = each.value.agent_id
  name     = each.key
}
