"""Who is supplied where and how their devices are: found fast, shown whole. Changes nothing."""
