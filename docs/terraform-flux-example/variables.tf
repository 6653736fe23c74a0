variable "gitlab_url" {
  description = "The GitLab instance. The provider's own token comes from the variable GITLAB_TOKEN: an owner of the group."
  type        = string
  default     = "https://gitlab.example.com"
}

variable "group" {
  description = "Top-level group of the config project and the application projects; it exists."
  type        = string
  default     = "demo"
}

variable "config_project" {
  description = "Name of the config project, which is made here."
  type        = string
  default     = "flux-config"
}

variable "applications" {
  description = "Application projects in the group that Sluice governs; they exist."
  type        = set(string)
  default     = ["demo-service", "node-service", "sluice"]
}

variable "registry" {
  description = "GitLab's container registry, as in image names."
  type        = string
  default     = "registry.example.com"
}

variable "paid" {
  description = "Premium or Ultimate: then single users are allowed to push, else everybody with the role Maintainer."
  type        = bool
  default     = false
}

variable "tokens_expire_at" {
  description = "Last day of the tokens made here, as YYYY-MM-DD. Apply with a later day before it comes."
  type        = string
}

variable "clusters" {
  description = "By name: context in the kubeconfig, file of the age key, and the domain, or none where GitLab cannot reach it."
  type = map(object({
    context      = string
    age_key_file = string
    domain       = optional(string)
  }))

  validation {
    condition     = toset(keys(var.clusters)) == toset(["minikube", "development", "staging", "production"])
    error_message = "Name the four clusters: each has a provider and a folder of its own."
  }
}

variable "kubeconfig" {
  description = "Kubeconfig with the contexts of all clusters."
  type        = string
  default     = "~/.kube/config"
}
