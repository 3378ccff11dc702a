{{- define "rosterd.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "rosterd.account" -}}
{{- default (include "rosterd.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "rosterd.selector" -}}
app.kubernetes.io/name: rosterd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "rosterd.labels" -}}
{{ include "rosterd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The port of the first listener. */}}
{{- define "rosterd.port" -}}
{{- splitList ":" (first .Values.settings.server.listen) | last -}}
{{- end -}}
