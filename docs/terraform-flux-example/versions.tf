terraform {
  required_version = ">= 1.9"

  required_providers {
    flux = {
      source  = "fluxcd/flux"
      version = "1.9.2"
    }
    gitlab = {
      source  = "gitlabhq/gitlab"
      version = "19.1.0"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "3.1.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "3.7.1"
    }
  }
}
