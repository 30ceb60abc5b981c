{{- define "sallyport.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: sallyport
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "sallyport.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "sallyport.labels" (dict "root" .root "name" (.app | default .name)) | nindent 2 }}
{{- end }}

{{- define "sallyport.image" -}}
{{ .root.Values.image.registry }}/{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* Of every container: the restricted profile, and a root that cannot be written. */}}
{{- define "sallyport.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
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
    matchLabels: { app.kubernetes.io/name: sallyport }
  policyTypes: {{ ternary "[Ingress, Egress]" "[Egress]" .back }}
  {{- if .back }}
  ingress:
    - from:
        - podSelector:
            matchLabels: { app.kubernetes.io/name: {{ .name }} }
      ports:
        - { protocol: TCP, port: 4000 }
  {{- end }}
  egress:
    - to:
        - podSelector:
            matchLabels: { app.kubernetes.io/name: {{ .name }} }
      ports:
        - { protocol: TCP, port: {{ .port }} }
{{- end }}
