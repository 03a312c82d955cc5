# SPDX-License-Identifier: Apache-2.0
"""The lab of the scenarios: processes, free ports, clients, the clock and the books, each in one file."""
