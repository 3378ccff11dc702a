{{/* Values as TOML. Numbers of values are floats, whole ones are written as what they are; JSON's strings are TOML's. */}}
{{- define "rosterd.toml.value" -}}
{{- if kindIs "map" . -}}
{ {{- range $place, $key := keys . | sortAlpha }}{{ if $place }},{{ end }} {{ $key }} = {{ include "rosterd.toml.value" (get $ $key) }}{{ end }} }
{{- else if kindIs "slice" . -}}
[{{ range $place, $each := . }}{{ if $place }}, {{ end }}{{ include "rosterd.toml.value" $each }}{{ end }}]
{{- else if kindIs "string" . -}}
{{ toRawJson . }}
{{- else if kindIs "float64" . -}}
{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- else -}}
{{ . }}
{{- end -}}
{{- end -}}

{{/* What stands at the top comes before the first table. */}}
{{- define "rosterd.toml" -}}
{{- $settings := . -}}
{{- range $key := keys $settings | sortAlpha }}
{{- $value := get $settings $key }}
{{- if not (or (kindIs "map" $value) (kindIs "invalid" $value) (and (kindIs "slice" $value) $value (kindIs "map" (first $value)))) }}
{{ $key }} = {{ include "rosterd.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $key := keys $settings | sortAlpha }}
{{- $value := get $settings $key }}
{{- if kindIs "map" $value }}

[{{ $key }}]
{{- range $inner := keys $value | sortAlpha }}
{{ $inner }} = {{ include "rosterd.toml.value" (get $value $inner) }}
{{- end }}
{{- else if and (kindIs "slice" $value) $value (kindIs "map" (first $value)) }}
{{- range $each := $value }}

[[{{ $key }}]]
{{- range $inner := keys $each | sortAlpha }}
{{ $inner }} = {{ include "rosterd.toml.value" (get $each $inner) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
