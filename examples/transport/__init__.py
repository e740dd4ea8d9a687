"""The transport office: a fourth consumer, to show how little a service's author writes."""
