# SPDX-License-Identifier: Apache-2.0
"""The outside, one thin class each; nothing else imports openstack, keystoneauth1 or pymysql."""
