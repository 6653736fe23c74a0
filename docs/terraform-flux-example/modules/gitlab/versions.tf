terraform {
  required_providers {
    gitlab = {
      source = "gitlabhq/gitlab"
    }
    random = {
      source = "hashicorp/random"
    }
  }
}
