#!/bin/bash
# promtool's unit test of an alert passes if its name is misspelt and no alert is expected.
#
# Version:      Prometheus 2.42.0 (Debian 12, unpacked in a temporary directory).
# Expectation:  alert_rule_test names an alert of rule_files; a name that no rule has is an error, as
#               a misspelt key of the file is.
# Behaviour:    an alert that does not exist does not fire, so a test with exp_alerts: [] passes,
#               exit code 0, while the alert that was meant fires.
# Output seen:  alertname: ComputeDown, exp_alerts: []: exit 1
#               alertname: ComputDown, exp_alerts: []: exit 0
#               alertnam: ComputeDown, exp_alerts: []: exit 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cd "$dir"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 2>log
dpkg -x prometheus_*.deb root
cat >rules.yml <<'END'
groups:
- name: nova
  rules:
  - {alert: ComputeDown, expr: up == 0}
END

check() {
    cat >test.yml <<END
rule_files: [rules.yml]
tests:
- interval: 1m
  input_series: [{series: up, values: 0 0 0}]
  alert_rule_test: [{eval_time: 2m, $1: $2, exp_alerts: []}]
END
    code=0
    root/usr/bin/promtool test rules test.yml >>log 2>&1 || code=$?
    echo "$1: $2, exp_alerts: []: exit $code"
}

{ check alertname ComputeDown; check alertname ComputDown; check alertnam ComputeDown; } >seen
cat seen
diff seen - <<'END'
alertname: ComputeDown, exp_alerts: []: exit 1
alertname: ComputDown, exp_alerts: []: exit 0
alertnam: ComputeDown, exp_alerts: []: exit 1
END
