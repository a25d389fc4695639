// Package conformance keeps the package of Kubernetes' tests among the requirements of this module.
package conformance

import _ "k8s.io/kubernetes/test/e2e"
