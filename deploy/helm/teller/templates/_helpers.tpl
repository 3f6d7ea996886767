{{/* Every name begins with it: the release's name, with the chart's unless it has it already. */}}
{{- define "teller.name" -}}
{{- $name := ternary .Release.Name (printf "%s-teller" .Release.Name) (contains "teller" .Release.Name) -}}
{{- trunc 40 $name | trimSuffix "-" -}}
{{- end }}

{{/* What selects the pods of one kind: (list $ "api"). */}}
{{- define "teller.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: teller
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "teller.labels" -}}
{{- $root := index . 0 -}}
{{ include "teller.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{/* metadata of an object: (list $ "api" "-suffix"). */}}
{{- define "teller.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "teller.name" $root }}-{{ index . 1 }}{{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "teller.labels" . | nindent 2 }}
{{- end }}

{{/* An image: (list $ $.Values.images.api). */}}
{{- define "teller.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* A variable from a key of a Secret, unless the key is empty: (list "DATABASE_URL" "secret" "key"). */}}
{{- define "teller.secret" -}}
{{- if index . 2 }}
- name: {{ index . 0 }}
  valueFrom: {secretKeyRef: {name: {{ index . 1 | quote }}, key: {{ index . 2 | quote }}}}
{{- end }}
{{- end }}

{{/* Variables of a map of settings. A whole number stays one: Helm reads 1000000 as 1e+06. */}}
{{- define "teller.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ ternary (printf "%.0f" $value) (toString $value) (and (kindIs "float64" $value) (eq (toString (floor $value)) (toString $value))) | quote }}
{{- end }}
{{- end }}

{{- define "teller.logLevel" -}}
- {name: TELLER_LOG_LEVEL, value: {{ .Values.logLevel }}}
{{- end }}

{{/* What the three kinds of the worker's image share, besides their URLs. */}}
{{- define "teller.watched" -}}
- {name: TELLER_HEARTBEAT_FILE, value: /tmp/heartbeat}
- {name: TELLER_HOST, value: {{ .Values.host | quote }}}
- {name: TELLER_METRICS_PORT, value: "9464"}
{{- end }}

{{- define "teller.webhooksAllowPrivate" -}}
{{- if .Values.webhooksAllowPrivate }}
- {name: TELLER_WEBHOOK_ALLOW_PRIVATE, value: "true"}
{{- end }}
{{- end }}

{{/* The pod's part of a spec: (list $ "api"). Without service links: a Service named teller would set TELLER_PORT to its URL. */}}
{{- define "teller.pod" -}}
{{- $root := index . 0 -}}
{{- $pod := $root.Values.pod -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with $pod.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $pod.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with $pod.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}

{{- define "teller.spread" -}}
{{- $spread := (index . 0).Values.pod.spread -}}
{{- $selector := include "teller.selector" . -}}
topologySpreadConstraints:
  {{- range $spread.topologyKeys }}
  - topologyKey: {{ . | quote }}
    maxSkew: 1
    whenUnsatisfiable: {{ $spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
  {{- end }}
{{- end }}

{{/* The container's part, as docker-compose.yml has it: (list $ $.Values.images.api $.Values.api.resources). */}}
{{- define "teller.container" -}}
{{- $root := index . 0 -}}
image: {{ include "teller.image" . | quote }}
imagePullPolicy: {{ $root.Values.images.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{ toJson (index . 2) }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{/* Of a Deployment of the worker's image. Each loop of the process touches the file; a hanging server holds a loop for 12 s. */}}
{{- define "teller.heartbeat" -}}
{{- $look := dict "command" (list "sh" "-c" "test -n \"$(find /tmp/heartbeat -mmin -0.5)\"") -}}
startupProbe:
  exec: {{ toJson $look }}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  exec: {{ toJson $look }}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{/* The budget of one kind: (list $ "api" $.Values.api.disruptionBudget). */}}
{{- define "teller.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "teller.metadata" (list (index . 0) (index . 1) "") | nindent 2 }}
spec:
  maxUnavailable: {{ (index . 2).maxUnavailable }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "teller.selector" . | nindent 6 }}
{{- end }}

{{/* A Deployment of the worker's image: (dict "root" $ "kind" "sweeper" "command" (list …) "env" "…" "replicas" n "scaled" false "resources" …). */}}
{{- define "teller.working" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "teller.metadata" (list .root .kind "") | nindent 2 }}
spec:
  {{- if not .scaled }}
  replicas: {{ required "replicas" .replicas }}
  {{- end }}
  strategy:
    rollingUpdate: {maxUnavailable: 1, maxSurge: 1}
  selector:
    matchLabels:
      {{- include "teller.selector" (list .root .kind) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "teller.labels" (list .root .kind) | nindent 8 }}
      {{- with .root.Values.pod.annotations }}
      annotations: {{ toJson . }}
      {{- end }}
    spec:
      {{- include "teller.pod" (list .root .kind) | nindent 6 }}
      {{- include "teller.spread" (list .root .kind) | nindent 6 }}
      # PostgreSQL ends a drain's transaction after 10 s. This is longer, so a stop does not kill a process in a drain.
      terminationGracePeriodSeconds: 30
      containers:
        - name: {{ .kind }}
          command: {{ toJson .command }}
          {{- include "teller.container" (list .root .root.Values.images.worker .resources) | nindent 10 }}
          env:
            {{- include "teller.logLevel" .root | nindent 12 }}
            {{- include "teller.watched" .root | nindent 12 }}
            {{- .env | nindent 12 }}
          ports:
            - {name: metrics, containerPort: 9464}
          {{- include "teller.heartbeat" .root | nindent 10 }}
{{- end }}
