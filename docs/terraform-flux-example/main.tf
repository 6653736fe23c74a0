# GitLab first, then one cluster after the other: each bootstrap pushes to the same branch.

module "gitlab" {
  source = "./modules/gitlab"

  group            = var.group
  config_project   = var.config_project
  applications     = var.applications
  registry         = var.registry
  paid             = var.paid
  tokens_expire_at = var.tokens_expire_at
  sluice_url       = "https://sluice.${var.clusters["production"].domain}"
  clusters         = { for name, cluster in var.clusters : name => cluster.domain }
}

module "minikube" {
  source     = "./modules/cluster"
  depends_on = [module.gitlab]

  providers = {
    flux       = flux.minikube
    kubernetes = kubernetes.minikube
  }

  path    = "clusters/minikube"
  age_key = file(var.clusters["minikube"].age_key_file)
}

module "development" {
  source     = "./modules/cluster"
  depends_on = [module.minikube]

  providers = {
    flux       = flux.development
    kubernetes = kubernetes.development
  }

  path    = "clusters/development"
  age_key = file(var.clusters["development"].age_key_file)
}

module "staging" {
  source     = "./modules/cluster"
  depends_on = [module.development]

  providers = {
    flux       = flux.staging
    kubernetes = kubernetes.staging
  }

  path    = "clusters/staging"
  age_key = file(var.clusters["staging"].age_key_file)
}

module "production" {
  source     = "./modules/cluster"
  depends_on = [module.staging]

  providers = {
    flux       = flux.production
    kubernetes = kubernetes.production
  }

  path    = "clusters/production"
  age_key = file(var.clusters["production"].age_key_file)
}
