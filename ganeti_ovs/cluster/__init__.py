"""The border to Ganeti: environments, tags, runtime files, its configuration and library, Xen."""
