"""The Helm chart in deploy/helm/teller: what Helm renders of it, with each values file of the chart's folder `ci`."""
