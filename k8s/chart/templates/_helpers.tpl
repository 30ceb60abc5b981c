{{- define "sallyport.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: sallyport
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Pods of this release: another one's, or another chart's, may have the same name beside them. */}}
{{- define "sallyport.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "sallyport.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sallyport.labels" (dict "root" .root "name" (.app | default .name)) | nindent 2 }}
{{- end }}

{{- define "sallyport.image" -}}
{{ .root.Values.image.registry }}/{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}{{ with get .root.Values.image.digests .image }}@{{ . }}{{ end }}
{{- end }}

{{/* Of every container: the restricted profile, and a root that cannot be written. */}}
{{- define "sallyport.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Where pods may be, and how their images are fetched: of every pod. */}}
{{- define "sallyport.placement" -}}
{{- range $key := list "imagePullSecrets" "nodeSelector" "tolerations" "priorityClassName" }}
{{- with get $.Values $key }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "sallyport.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "sallyport.dns" -}}
- to:
    - namespaceSelector:
        matchLabels: { kubernetes.io/metadata.name: kube-system }
      podSelector:
        matchLabels: { k8s-app: kube-dns }
    - ipBlock: { cidr: 169.254.20.10/32 }
  ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end }}

{{/* The way from the gateway to an upstream, and back where the upstream is a caller too. */}}
{{- define "sallyport.way" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "sallyport.metadata" (dict "root" .root "name" (printf "sallyport-%s-%s" (ternary "and" "to" .back) .name) "app" "sallyport") | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "sallyport.selector" (dict "root" .root "name" "sallyport") | nindent 6 }}
  policyTypes: {{ ternary "[Ingress, Egress]" "[Egress]" .back }}
  {{- if .back }}
  ingress:
    - from:
        - podSelector:
            matchLabels:
              {{- include "sallyport.selector" . | nindent 14 }}
      ports:
        - { protocol: TCP, port: 4000 }
  {{- end }}
  egress:
    - to:
        - podSelector:
            matchLabels:
              {{- include "sallyport.selector" . | nindent 14 }}
      ports:
        - { protocol: TCP, port: {{ .port }} }
{{- end }}

{{/* To read what lies in namespaces, and to write the statuses of what has one. */}}
{{- define "sallyport.rules" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, httproutes, referencegrants, backendtlspolicies]
  verbs: [get, list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways/status, httproutes/status, backendtlspolicies/status]
  verbs: [update]
- apiGroups: [inference.networking.k8s.io, inference.networking.x-k8s.io]
  resources: [inferencepools]
  verbs: [get, list, watch]
- apiGroups: [inference.networking.k8s.io, inference.networking.x-k8s.io]
  resources: [inferencepools/status]
  verbs: [update]
- apiGroups: [gateway.kgateway.dev]
  resources: [trafficpolicies]
  verbs: [get, list, watch]
- apiGroups: [gateway.kgateway.dev]
  resources: [trafficpolicies/status]
  verbs: [update]
- apiGroups: [kuadrant.io]
  resources: [tokenratelimitpolicies]
  verbs: [get, list, watch]
- apiGroups: [kuadrant.io]
  resources: [tokenratelimitpolicies/status]
  verbs: [update]
- apiGroups: [sallyport.dev]
  resources: [mcpservers, a2aagents, accesspolicies, budgets]
  verbs: [get, list, watch]
- apiGroups: [sallyport.dev]
  resources: [mcpservers/status, a2aagents/status, accesspolicies/status, budgets/status]
  verbs: [update]
- apiGroups: [""]
  resources: [services, pods]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- end }}
