# Flux, and the one thing that cannot come from Git: the key that decrypts the rest.

resource "kubernetes_namespace_v1" "flux_system" {
  metadata {
    name = "flux-system"
  }

  # Flux labels it.
  lifecycle {
    ignore_changes = [metadata]
  }
}

resource "kubernetes_secret_v1" "sops_age" {
  metadata {
    name      = "sops-age"
    namespace = kubernetes_namespace_v1.flux_system.metadata[0].name
  }

  data = {
    "age.agekey" = var.age_key
  }
}

resource "flux_bootstrap_git" "this" {
  depends_on = [kubernetes_secret_v1.sops_age]

  path             = var.path
  version          = var.flux_version
  components_extra = ["image-reflector-controller", "image-automation-controller"]
  # Destroying this must not take Flux's own files out of Git: they belong to the config repository.
  delete_git_manifests = false
  keep_namespace       = true
}
