output "flux_files" {
  description = "Files that the bootstrap keeps in Git."
  value       = keys(flux_bootstrap_git.this.repository_files)
}
