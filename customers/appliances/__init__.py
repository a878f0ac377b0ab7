"""Who owns large appliances, and where: from retailers' sales lists to what a customer could give."""
