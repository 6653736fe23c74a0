# Terraform has no for_each for providers: one of each for every cluster.

provider "gitlab" {
  base_url = "${var.gitlab_url}/api/v4/"
}

provider "flux" {
  alias = "minikube"

  kubernetes = {
    config_path    = var.kubeconfig
    config_context = var.clusters["minikube"].context
  }
  git = {
    url    = module.gitlab.config_url
    branch = "main"
    http = {
      username = "flux"
      password = module.gitlab.flux_tokens["minikube"]
    }
  }
}

provider "kubernetes" {
  alias = "minikube"

  config_path    = var.kubeconfig
  config_context = var.clusters["minikube"].context
}

provider "flux" {
  alias = "development"

  kubernetes = {
    config_path    = var.kubeconfig
    config_context = var.clusters["development"].context
  }
  git = {
    url    = module.gitlab.config_url
    branch = "main"
    http = {
      username = "flux"
      password = module.gitlab.flux_tokens["development"]
    }
  }
}

provider "kubernetes" {
  alias = "development"

  config_path    = var.kubeconfig
  config_context = var.clusters["development"].context
}

provider "flux" {
  alias = "staging"

  kubernetes = {
    config_path    = var.kubeconfig
    config_context = var.clusters["staging"].context
  }
  git = {
    url    = module.gitlab.config_url
    branch = "main"
    http = {
      username = "flux"
      password = module.gitlab.flux_tokens["staging"]
    }
  }
}

provider "kubernetes" {
  alias = "staging"

  config_path    = var.kubeconfig
  config_context = var.clusters["staging"].context
}

provider "flux" {
  alias = "production"

  kubernetes = {
    config_path    = var.kubeconfig
    config_context = var.clusters["production"].context
  }
  git = {
    url    = module.gitlab.config_url
    branch = "main"
    http = {
      username = "flux"
      password = module.gitlab.flux_tokens["production"]
    }
  }
}

provider "kubernetes" {
  alias = "production"

  config_path    = var.kubeconfig
  config_context = var.clusters["production"].context
}
