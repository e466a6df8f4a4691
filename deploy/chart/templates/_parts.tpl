{{/* By which the pods of one process are found; those of deploy/kubernetes.yaml are the same. */}}
{{- define "pods" -}}
app: {{ .root.Release.Name }}
process: {{ .process }}
{{- end }}

{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What every container has. Variables stand here and in no ConfigMap, which a pre-install hook would not find yet. */}}
{{- define "container" -}}
image: {{ printf "%s:%s" .Values.image.repository .Values.image.tag | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - {name: PORT, value: {{ .Values.web.port | quote }}}
  {{- if ne .Values.image.tag "latest" }}
  - {name: AUTO_MIGRATE_RELEASE, value: {{ .Values.image.tag | quote }}}
  {{- end }}
  {{- if .Values.phases }}
  - {name: AUTO_MIGRATE_PHASES, value: "true"}
  {{- end }}
  {{- range $name, $value := .Values.config }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
envFrom:
  {{- range .Values.secrets }}
  - secretRef: {name: {{ . | quote }}}
  {{- end }}
{{- end }}

{{- define "pod" -}}
{{- with .Values.pod }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "wait" -}}
{{- if .Values.waitForMigrations }}
initContainers:
  - name: wait
    command: ["python", "manage.py", "wait_for_migrations"]
    {{- include "container" . | nindent 4 }}
{{- end }}
{{- end }}
