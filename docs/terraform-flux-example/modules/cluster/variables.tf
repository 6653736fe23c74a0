variable "path" {
  description = "The cluster's folder in the config repository."
  type        = string
}

variable "age_key" {
  description = "Private age key that Flux decrypts the cluster's secrets with."
  type        = string
  sensitive   = true
}

variable "flux_version" {
  description = "Flux, as in flux/README.md."
  type        = string
  default     = "v2.9.4"
}
