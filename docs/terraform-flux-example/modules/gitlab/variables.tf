variable "group" {
  description = "Path of the top-level group."
  type        = string
}

variable "config_project" {
  description = "Name of the config project."
  type        = string
}

variable "applications" {
  description = "Names of the application projects."
  type        = set(string)
}

variable "registry" {
  description = "Host of the container registry."
  type        = string
}

variable "paid" {
  description = "Whether branches can be protected for single users."
  type        = bool
}

variable "tokens_expire_at" {
  description = "Last day of the tokens."
  type        = string
}

variable "sluice_url" {
  description = "Where the governing Sluice answers."
  type        = string
}

variable "clusters" {
  description = "Domain of each cluster; null where GitLab cannot reach it."
  type        = map(string)
}
